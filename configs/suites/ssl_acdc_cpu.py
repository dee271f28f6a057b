"""Semi-supervised methods on ACDC, 14 of 140 volumes labelled, in minutes on a CPU, beside the labelled images alone."""
suite = dict(
    members=[
        dict(name='supervised', config='ssl/supervised_acdc_cpu', seeds=(0, 1, 2)),
        dict(name='Entropy Minimisation', config='ssl/entropy_minimization_acdc_cpu', seeds=(0, 1, 2)),
        dict(name='Mean Teacher', config='ssl/mean_teacher_acdc_cpu', seeds=(0, 1, 2)),
        dict(name='UA-MT', config='ssl/uamt_acdc_cpu', seeds=(0, 1, 2)),
        dict(name='URPC', config='ssl/urpc_acdc_cpu', seeds=(0, 1, 2)),
        dict(name='CCT', config='ssl/cct_acdc_cpu', seeds=(0, 1, 2)),
        dict(name='CPS', config='ssl/cps_acdc_cpu', seeds=(0, 1, 2)),
        dict(name='Cross Teaching', config='ssl/cross_teaching_acdc_cpu', seeds=(0, 1, 2)),
        dict(name='MC-Net+', config='ssl/mcnet_acdc_cpu', seeds=(0, 1, 2)),
        dict(name='UniMatch', config='ssl/unimatch_acdc_cpu', seeds=(0, 1, 2)),
        dict(name='BCP', config='ssl/bcp_acdc_cpu', seeds=(0, 1, 2))],
    baseline='supervised',
    test=dict(tta=True))
