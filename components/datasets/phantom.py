def phantom_case(index, **settings): raise NotImplementedError("placeholder of the lead; overwrite me")
