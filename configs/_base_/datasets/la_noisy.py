"""Left atrium with full labels of all training volumes whose boundaries have walked at random [Yao 2023]."""
_base_ = './la.py'
train_dataloader = dict(
    dataset=dict(
        type='PartsDataset', patch=(32, 48, 48),
        parts=dict(noisy=dict(
            type='FolderDataset', data_root='data', images='LA/images', labels='LA/labels', split='LA/splits/train.txt')),
        simulate=dict(noisy=[dict(type='simulate_markov_noise', steps=60, expand=0.7, smooth=1.0)])),
    batch_sampler=dict(type='PartBatchSampler', parts=dict(noisy=4), foreground=0.5))
