"""What stands in the files of the small room: printed numbers, claims, notebook."""

from __future__ import annotations

HOSTILE = "<script>alert('paper.yaml')</script>"

TABLE1 = """dataset,k,level,model,ari_k,ari_k_sd,nmi_k,nmi_k_sd
circles,2,easy,mlp,0.871,0.153,0.846,0.167
circles,2,hard,mlp,0.919,0.18,0.895,0.187
circles,2,easy,dgcnn,0.296,0.388,0.327,0.356
circles,2,hard,dgcnn,0.852,0.243,0.826,0.247
moons,4,easy,mlp,0.895,0.137,0.934,0.0805
moons,4,hard,mlp,0.96,0.0901,0.972,0.049
moons,4,easy,dgcnn,0.718,0.247,0.786,0.191
moons,4,hard,dgcnn,0.917,0.123,0.941,0.0726
"""
FIG3 = """dataset,metric,method,noise,mean,sd
circles,ari@k,single,0.0,1.0,0.0
circles,ari@k,single,0.08,0.0512,0.2012
moons,ari@k,single,0.0,1.0,0.0
moons,ari@k,single,0.08,0.7123,0.1011
"""
YAML = f"""
paper: clustering
title: Similarity learning and hierarchical clustering
outcome: "[Re]"
citation:
  authors: [Leonardo Gigli, Beatriz Marcotegui, Santiago Velasco-Forero]
  title: End-to-End Similarity Learning and Hierarchical Clustering for unfixed size datasets
  venue: Geometric Science of Information
  year: 2021
  url: https://hal.science/hal-03228070
  bibkey: gigli2021
claims:
  - id: table1-means
    where: Table 1
    text: The learned similarity finds the clusters of every data set at every noise level.
    kind: statistical
    printed:
      file: printed/table1.csv
      id: "table1/{{dataset}}/{{level}}/{{model}}/{{column}}"
      columns: [ari_k, nmi_k]
      sd: "{{column}}_sd"
      n: 200
      significant: 3
      settings: [k]
    decides: {{presets: [full, smoke], chips: [paper]}}
    rule: prediction
    args: {{siblings: [model, level]}}
    reason: One printed training run against ours; fixed before the numbers were seen.
  - id: fig3-classical
    where: Figure 3
    text: Single linkage falls apart as the noise grows.
    kind: statistical
    printed:
      file: printed/fig3.csv
      id: "fig3/{{dataset}}/{{metric}}/{{method}}/{{noise}}"
      column: mean
      sd: sd
      n: 20
      rounding: 0.0005
    decides: {{presets: [full, smoke], chips: [paper]}}
    rule: sampling
    reason: The generator is known, so only sampling error may separate the means.
  - id: mlp-beats-dgcnn
    where: Section 4
    text: "The MLP is better than the DGCNN {HOSTILE}"
    kind: ordering
    rule: greater
    args:
      pairs: [["table1/{{dataset}}/{{level}}/mlp/ari_k", "table1/{{dataset}}/{{level}}/dgcnn/ari_k"]]
      each: {{dataset: [circles, moons], level: [easy, hard]}}
    decides: {{presets: [full, smoke], chips: [paper]}}
    reason: Paired by training seed.
  - id: fast
    where: Section 3
    text: The decoding is several hundred times faster than a general linkage.
    kind: qualitative
    rule: within
    args: {{value: speed/ratio, low: 100}}
    decides: {{presets: [full, smoke], chips: [public]}}
    reason: Two orders of magnitude are beyond what a machine or a load can make.
errata:
  - id: eq3-sign
    where: eq. 3
    says: "relu(s(a,p) - s(a,n) + margin) {HOSTILE}"
    is: The sign is the other way round, which the run with the literal sign shows.
    evidence: [switch/eq3/literal, "https://example.org/code#loss"]
    source: computed
silences:
  - {{about: labels, paper: the first points, choice: drawn per class, effect: switch/eq3/literal}}
  - {{about: batch size, paper: nothing, choice: one set a step, effect: not measured}}
"""
NOTEBOOK = r"""# %% [markdown]
# # {{ title() }}
#
# {{ citation() }}
#
# The loss of the paper {cite}`gigli2021` draws likely pairs together:
#
# $$ L = \max(0, s_{an} - s_{ap} + m), \qquad w = \tfrac{1}{2}(1 + \cos\theta) $$
#
# with the margin $m = 0.2$ and the similarity $s$ in $[-1, 1]$.

# %% tags=["parameters"]
preset = "smoke"
seeds = None  # training seeds
epochs = None

# %%
from likeness.report.run import start
run = start("clustering", globals())
p = run.params

# %% [markdown]
# ## Table 1
#
# Of {{ count() }} rows {{ count(verdict="reproduced") }} are reproduced. The MLP on easy circles reaches
# {{ ours("table1/circles/easy/mlp/ari_k") }} {{ interval("table1/circles/easy/mlp/ari_k") }} over
# {{ n("table1/circles/easy/mlp/ari_k") }} seeds, printed {{ printed("table1/circles/easy/mlp/ari_k") }},
# in the record {{ record("table1/circles/easy/mlp/ari_k", ".2f") }}: {{ verdict("table1-means") }}.
# At most {{ param("epochs") }} epochs.
#
# {{ ledger_table("table1", rows=["dataset", "level", "model"], columns=["ari_k", "nmi_k"]) }}
#
# {{ ledger_table("table1", columns=["ari_k"], model="mlp") }}
#
# {{ count_table("fig3", rows=["dataset", "method"], columns="noise") }}

# %%
run.values(rows, id="table1/{dataset}/{level}/{model}/{metric}", chip="paper")
run.figure("curves", fig, caption="Curves", alt="Two curves that fall")
run.table("scores", frame, caption="Scores")

# %% [markdown]
# ## Claims
#
# {{ claims_table() }}
#
# {{ record_figure("curves", "The curves of the full record.", "Two curves that fall as the noise grows") }}
#
# ## Errata
#
# {{ errata_table() }}
#
# ## What the paper does not say
#
# {{ silences_table() }}

# %%
run.finish()

# %% [markdown]
# ## Run it again
#
# {{ ending() }}
"""
