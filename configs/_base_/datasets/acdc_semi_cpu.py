"""ACDC with a tenth of the full labels and the other images for a CPU: slices brought to one size, two labelled
for each unlabelled in a batch."""
_base_ = './acdc_labeled_cpu.py'
train_dataloader = dict(
    dataset=dict(parts=dict(unlabeled=dict(
        type='FolderDataset', data_root='data', images='ACDC/images', split='ACDC/splits/unlabeled_90pct.txt'))),
    batch_sampler=dict(_delete_=True, type='PartBatchSampler', parts=dict(labeled=8, unlabeled=4)))
