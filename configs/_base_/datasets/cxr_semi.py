"""Chest radiographs with the labels of a fifth of the training images; which ones, a seed says."""
_base_ = './cxr.py'
folder = dict(type='FolderDataset', data_root='data', images='CXR/images', split='CXR/splits/train.txt')
train_dataloader = dict(
    dataset=dict(type='PartsDataset', parts=dict(
        labeled=dict(type='SubsetDataset', share=0.2, cases=dict(labels='CXR/labels', **folder)),
        unlabeled=dict(type='SubsetDataset', share=0.2, rest=True, cases=folder))),
    batch_sampler=dict(type='PartBatchSampler', parts=dict(labeled=2, unlabeled=2)))
del folder
