"""What every run has: loop, validation, checkpoints, logs, curves."""
default_scope = 'scarceseg'
val_cfg = dict(type='ValLoop')
val_evaluator = dict(type='DiceMetric')
default_hooks = dict(
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    checkpoint=dict(type='SafeCheckpointHook', interval=500))
custom_hooks = [dict(type='CurvesHook')]
log_processor = dict(type='LogProcessor', by_epoch=False, window_size=50, log_with_hierarchy=True,
                     mean_pattern=r'.*(loss|term|time|grad_norm).*')
visualizer = dict(type='Visualizer', vis_backends=[dict(type='CsvVisBackend'), dict(type='TensorboardVisBackend')])
randomness = dict(seed=0)
log_level = 'INFO'
