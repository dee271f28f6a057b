"""ACDC with the full labels of a tenth of the training volumes, and the images of the others; as many slices of each in a batch."""
_base_ = './acdc_labeled.py'
train_dataloader = dict(
    dataset=dict(parts=dict(unlabeled=dict(
        type='FolderDataset', data_root='data', images='ACDC/images', split='ACDC/splits/unlabeled_90pct.txt'))),
    batch_sampler=dict(_delete_=True, type='PartBatchSampler', parts=dict(labeled=4, unlabeled=4)))
