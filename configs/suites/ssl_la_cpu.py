"""Semi-supervised methods on left atria, 7 of 72 labelled, in minutes on a CPU, beside the labelled images alone."""
suite = dict(
    members=[
        dict(name='supervised', config='ssl/supervised_la_cpu', seeds=(0, 1, 2)),
        dict(name='Entropy Minimisation', config='ssl/entropy_minimization_la_cpu', seeds=(0, 1, 2)),
        dict(name='Mean Teacher', config='ssl/mean_teacher_la_cpu', seeds=(0, 1, 2)),
        dict(name='UA-MT', config='ssl/uamt_la_cpu', seeds=(0, 1, 2)),
        dict(name='URPC', config='ssl/urpc_la_cpu', seeds=(0, 1, 2)),
        dict(name='CCT', config='ssl/cct_la_cpu', seeds=(0, 1, 2)),
        dict(name='CPS', config='ssl/cps_la_cpu', seeds=(0, 1, 2)),
        dict(name='Cross Teaching', config='ssl/cross_teaching_la_cpu', seeds=(0, 1, 2)),
        dict(name='MC-Net+', config='ssl/mcnet_la_cpu', seeds=(0, 1, 2)),
        dict(name='UniMatch', config='ssl/unimatch_la_cpu', seeds=(0, 1, 2)),
        dict(name='BCP', config='ssl/bcp_la_cpu', seeds=(0, 1, 2))],
    baseline='supervised',
    test=dict(tta=True))
