def scribble_from_label(label, rng, **settings): raise NotImplementedError("placeholder of the lead; overwrite me")
