"""Semi-supervised methods on left atria, 7 of 72 labelled, at the paper's budget, beside the labelled images alone."""
suite = dict(
    members=[
        dict(name='supervised', config='ssl/supervised_la', seeds=(0, 1, 2)),
        dict(name='Entropy Minimisation', config='ssl/entropy_minimization_la', seeds=(0, 1, 2)),
        dict(name='Mean Teacher', config='ssl/mean_teacher_la', seeds=(0, 1, 2)),
        dict(name='UA-MT', config='ssl/uamt_la', seeds=(0, 1, 2)),
        dict(name='URPC', config='ssl/urpc_la', seeds=(0, 1, 2)),
        dict(name='CCT', config='ssl/cct_la', seeds=(0, 1, 2)),
        dict(name='CPS', config='ssl/cps_la', seeds=(0, 1, 2)),
        dict(name='Cross Teaching', config='ssl/cross_teaching_la', seeds=(0, 1, 2)),
        dict(name='MC-Net+', config='ssl/mcnet_la', seeds=(0, 1, 2)),
        dict(name='UniMatch', config='ssl/unimatch_la', seeds=(0, 1, 2)),
        dict(name='BCP', config='ssl/bcp_la', seeds=(0, 1, 2))],
    baseline='supervised',
    test=dict(tta=True))
