"""Left atrium with the full labels of 7 training volumes, and the images of the other 65; as many blocks of each in a batch."""
_base_ = './la_labeled.py'
train_dataloader = dict(
    dataset=dict(parts=dict(unlabeled=dict(
        type='FolderDataset', data_root='data', images='LA/images', split='LA/splits/unlabeled_90pct.txt'))),
    batch_sampler=dict(parts=dict(labeled=2, unlabeled=2)))
