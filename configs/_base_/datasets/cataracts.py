"""CaDIS [Grammatikopoulou 2021]: frames of cataract surgery, 960×540 in RGB; the eight classes of its first task, all foreground.

Unpack it so that CaDIS/Video01/Images, CaDIS/Video01/Labels, … lie below the data folder: nothing else is to be done. The videos
are split as its authors do. Prepared training frames are kept on disk, 24 GB in $SCARCESEG_CACHE or ~/.cache/scarceseg.
"""
classes = ('pupil', 'surgical tape', 'hand', 'eye retractors', 'iris', 'skin', 'cornea', 'instrument')
has_background = False
metrics = ('iou', 'dice')
prepare = [dict(type='normalise')]
inferer = [dict(type='sliding_window', window=(512, 512), batch_size=6)]
videos = {'train': (1, 3, 4, 6, 8, 9, 10, 11, 13, 14, 15, 17, 18, 19, 20, 21, 23, 24, 25), 'valid': (5, 7, 16), 'test': (2, 12, 22)}
train, valid, test = [dict(
    type='FolderDataset', data_root='data', label_values=(0, 1, 2, 3, 4, 5, 6, tuple(range(7, 36))),
    images=[f'CaDIS/Video{v:02d}/Images' for v in chosen], labels=[f'CaDIS/Video{v:02d}/Labels' for v in chosen])
    for chosen in videos.values()]
train_dataloader = dict(
    num_workers=4, dataset=dict(type='PartsDataset', cache='disk', parts=dict(labeled=train)),
    batch_sampler=dict(type='PartBatchSampler', parts=dict(labeled=8)))
val_dataloader = dict(num_workers=2, dataset=dict(type='CasesDataset', keep=False, cases=valid))
test_dataloader = dict(dataset=dict(type='CasesDataset', keep=False, cases=test))
del videos, train, valid, test
