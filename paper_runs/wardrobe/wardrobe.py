# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # {{ title() }}
#
# Three of the papers stand on data that cannot be had freely. Their chapters run on this world instead: garments,
# photographs of them, what a detector sees, what people write, and who buys what, all from one seed and of any size.
# This page shows it, sets its statistics beside the real ones, and asks whether it tells good methods from bad ones.
#
# Nothing here is a claim of a paper. The {{ count() }} claims below are promises of our own, each with a rule that was
# fixed before the numbers: {{ count(verdict="reproduced") }} are kept ("reproduced"),
# {{ count(verdict="direction only") }} in direction only, {{ count(verdict="contradicted") }} are broken
# ("contradicted"), and {{ count(verdict="not testable here") }} cannot be tested in this run. See [Promises](#promises).

# %% tags=["parameters"]
preset = "laptop"  # smoke, laptop or full; None below: as the preset says
device = None  # auto, cpu or cuda
seed = None
jobs = None
seeds = None
texts = None
shop = None
shoppers = None
drawn = None
heels = None
pools = None
changes = None
customers = None

# %%
from likeness.report.run import start

run = start("wardrobe", globals())
p = run.params

# %%
from likeness.studies.wardrobe import chapters, pictures, statistics, tasks

# %% [markdown]
# ## Pictures
#
# Every garment is drawn in a scene that does not know it: background, light, pose and clutter are from another stream of
# random numbers than the garment, and every view of it is another photograph. Shown here in few colours, so that the
# page stays small; the sensor's grain is in the data.

# %%
run.figure("sheet", pictures.sheet(p.seed), caption="The first garments of the catalogue.",
           alt="Twenty-five drawn photographs: dresses, caps, boots, shirts on walls, floors, hangers and people.")
run.figure("views", pictures.views(p.seed), caption="One garment in eight photographs.",
           alt="The same t-shirt on wood, on a person, on a hanger, on a dummy and plain, in different light.")

# %%
words = {"neckline": "Five necklines", "sleeve": "Four sleeves", "heel": "Three heels", "pattern": "Eight patterns"}
for name, said in words.items():
    run.figure(name, pictures.varied(p.seed, name), caption=f"{said} of one garment, all else the same.",
               alt=f"{said}: a row of pictures that differ in nothing else.")
touched = pictures.changed(p.seed)
run.values(touched, id="changed/{name}", over="number", unit="share", chip="generated")

# %% [markdown]
# From one value to the next, a neckline changes {{ ours("changed/neckline", ".3f") }} of the pixels, a sleeve
# {{ ours("changed/sleeve", ".3f") }}, a heel {{ ours("changed/heel", ".3f") }} (the shoe tips) and a pattern
# {{ ours("changed/pattern", ".3f") }}: whoever averages over a whole picture loses the first.

# %%
run.figure("scene", pictures.scene(p.seed), caption="One scene as a detector reports it: boxes and their classes. The box of "
           "a thing that is partly hidden goes around all of it.",
           alt="A garment with boxes around it, its parts and the things beside it, each with the name of its class.")

# %% [markdown]
# ## How each part is made
#
# - **Garments** are drawn along a chain of tables: gender, kind, usage, colour, pattern, second colour, then sleeve,
#   length, neckline, fit and heel where the kind has them, then the price. Kinds, colours and patterns have long tails.
# - **Pictures** are polygons with cloth, relief and shadows, painted by Pillow on a larger canvas, then lit, blurred and
#   given a sensor's grain. Garments lie flat, hang, or are worn by a dummy or a person; an arm or a bag may hide a part.
# - **Regions**: the number of boxes is drawn from the published counts; things and parts of the garment fill it, with
#   errors of the sides, misses and double finds. The feature of a box is computed from its pixels alone, by a small
#   network that has learnt to sort other photographs (`clothing`, CC0) and has seen no drawing.
# - **Texts** are a grammar. Captions name attributes in a fixed order and leave some out. Queries are short, with
#   synonyms, filler words, unknown words and slips. A change says what the target has, or which word replaces which.
# - **Pools** of thirty pictures hold six answers. Five queries share a pool and each picture answers one of them, so that
#   a ranking that does not read the query has the score of a random order.
# - **Shoppers** choose by a logit: a taste over visible attributes that turns over time, fame and season, a price band,
#   gender, the mood of a day, and chance. All of it is known, and so is the best AUC.
#
# ## What it can and cannot test
#
# It can test whether a method learns what it is said to learn from pixels, words and purchases; whether details in
# small regions are found; whether a score comes from a leak; how far a recommender is from the best possible.
#
# It cannot test:
#
# - fine fabric: there is no lace, leather, knit detail or drape beyond a few textures;
# - photographs of people: bodies and faces are drawn, and a network trained on photographs sees another domain;
# - language: a grammar has no irony, no brands that mean something, no sentence that was not foreseen;
# - taste: it is linear in attributes, and nobody buys what goes with something else;
# - fashion over years: a season rises and falls, styles do not come and go;
# - absolute numbers of a paper: none is ever compared with a number of this world.
#
# ## Beside the real sets
#
# A real set that is not in the data folder is "not here".

# %%
ours, theirs = statistics.run_texts(p), statistics.real_texts(p)
run.values(ours, id="stats/{source}/{what}/{bin}", unit="share", chip="generated")
for chip, lines in statistics.by_chip(theirs):
    run.values(lines, id="stats/{source}/{what}/{bin}", over=None, unit="share", chip=chip)
run.values(statistics.distances(ours, theirs), id="distance/{what}/{source}", unit="distance", chip="generated")
said = {"boxes": "boxes of a picture", "words": "words of a query", "kind": "rank of a kind", "colour": "rank of a colour"}
for what, label in said.items():
    run.figure(f"hist-{what}", pictures.histograms(ours, theirs, what, label), caption=f"Shares by {label}.",
               alt=f"Bars of the wardrobe, with 95 % intervals over worlds, beside those of the real sets: {label}.")

# %% [markdown]
# Printed are the counts of the test file of KDD Cup 2020, among pictures with at most ten boxes; records are its
# thousand known train records, which have fewer. The total variation distance to the printed counts is
# {{ ours("distance/boxes/printed", ".3f") }} {{ verdict("boxes-as-real") }}; of the words of queries, see
# {{ verdict("words-as-real") }}. Kinds and colours are compared by rank, since the sets name them differently.

# %%
is_caption, real_caption = ours[ours.what == "captions"], theirs[theirs.what == "captions"]
run.table("captions", statistics.beside(is_caption, real_caption, row="bin", sets=statistics.CAPTIONED),
          caption="Captions beside as many product names of fashion_small: share that is distinct, pictures a caption, share "
          "of the commonest, mean words.")

# %%
bought, real_shop, printed = statistics.run_shops(p), statistics.real_shops(), statistics.printed_shops()
run.values(bought, id="shop-stats/{source}/{number}", unit="score", chip="generated")
for chip, lines in statistics.by_chip(real_shop):
    run.values(lines, id="shop-stats/{source}/{number}", over=None, unit="score", chip=chip)
run.values(printed, id="shop-stats/{source}/{number}", over=None, unit="score", chip="paper")
run.table("purchases", statistics.beside(bought, real_shop, printed, row="number", sets=statistics.SHOPS),
          caption="Purchases of users with five garments or more, mean over worlds, beside H&M's sample and Table II of DVBPR, "
          "which gives counts only. Quantiles count purchases; cold: held-out garments with fewer than five training "
          "purchases; companions: purchases with another of the same user on the day.")

# %% [markdown]
# ## Does it tell methods apart?
#
# {{ param("seeds") }} worlds. On every task stand chance, the nearest by crude pixels, a linear probe on the encoder's features,
# and the ceiling. *Attribute*: the mean over its values of the share that is recognised. *Query*: nDCG@5 in pools of thirty.
# *Change*: how often the target is among the first ten. *Shop*: AUC of a held-out purchase over all garments; there,
# nearest is the most alike garment that the user has, and the ceilings know the world without the date, with the date,
# and with the mood of that day.

# %%
found = tasks.run_tasks(p)
run.values(found, id="{task}/{about}/{method}", unit="score", chip="generated")
run.values(tasks.gaps(found), id="gap/frequency", unit="score", chip="generated")
scored = found[found.task != "leak"]
run.figure("tasks", pictures.tasks(scored), caption="Every method on every task, 95 % interval over worlds.",
           alt="A line a task: chance to the left, then the nearest by pixels, the linear probe, and the ceiling to the right.")
wide = scored.pivot_table(index=["task", "about"], columns="method", values="value", sort=False)
run.table("tasks", wide, caption="The same, means over worlds; empty where a method does not apply.")

# %%
leaks = found[found.task == "leak"].pivot_table(index="about", columns="method", values="value", sort=False)
run.table("leaks", leaks, caption="Share recognised above chance by a probe that sees only the border, or only the number.")

# %% [markdown]
# - A probe tells every attribute better than chance {{ verdict("probe-beats-chance") }} and none always
#   {{ verdict("probe-not-perfect") }}. Crude pixels lie between chance and the ceiling {{ verdict("nearest-between") }};
#   where an attribute is a small region they are at chance, which is what the task is for.
# - Rarer first gains nothing in the pools {{ verdict("query-no-prior") }}; pixels and probe lie in between
#   {{ verdict("query-between") }}. For a picture with a change likewise {{ verdict("change-between") }}, and the text alone
#   is not enough {{ verdict("change-needs-both") }}.
# - Popularity, the nearest garment and the probe lie between chance and the ceiling {{ verdict("shop-between") }}. The best
#   AUC without the date is {{ ours("shop/auc/ceiling-undated", ".3f") }} {{ verdict("shop-ceiling-undated") }}. With it, it is
#   {{ ours("shop/auc/ceiling-dated", ".3f") }} {{ verdict("shop-ceiling-dated") }}: what is not on sale cannot be bought, so
#   that a method that knows the date has an easy task. The chapters do not give it.
# - From the border a probe tells the kind by {{ ours("leak/kind/border", ".3f") }} above chance, and the colour by
#   {{ ours("leak/colour/border", ".3f") }} {{ verdict("border-silent") }}; a large garment, or its wearer, reaches the border. From
#   the number, {{ ours("leak/kind/number", ".3f") }} and {{ ours("leak/colour/number", ".3f") }} {{ verdict("number-silent") }}.
#
# ## Which chapter uses what

# %%
run.table("chapters", chapters.table(), caption="The data of every chapter at every preset, and why.")

# %% [markdown]
# ## Promises
#
# {{ claims_table() }}

# %%
run.finish()

# %% [markdown]
# ## Run it again
#
# {{ ending() }}
