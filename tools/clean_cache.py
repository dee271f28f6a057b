"""List what is kept of prepared cases on disk, and remove it.

    python tools/clean_cache.py                                     # everything, the longest unused first
    python tools/clean_cache.py --older-than 30 --remove            # what was not used for 30 days
    python tools/clean_cache.py --config fsl/hrnet_cataracts --data DIR --remove    # what this config uses

Nothing is removed without --remove, and never anything that this package did not write.
"""
import argparse

from scarceseg.tools.common import tool


def parser():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument('--folder', metavar='DIR', help='the store; default $SCARCESEG_CACHE, then ~/.cache/scarceseg')
    parse.add_argument('--older-than', type=float, metavar='DAYS', default=0, help='only cases that were not used for so many days')
    parse.add_argument('--config', help='only cases that the training of this config uses')
    parse.add_argument('--data', metavar='DIR', help='folder that data paths of the config are relative to')
    parse.add_argument('--remove', action='store_true', help='remove them')
    return parse


def places_of(name, data, store):
    """Folders of the entries that a config's training uses."""
    from scarceseg.components.datasets.parts.preparing import build_parts, case_keys
    from scarceseg.methods.assembly import assemble
    from scarceseg.registry import UserError, load_config, use_data_root
    config = assemble(use_data_root(load_config(name), data))
    dataset = (config.get('train_dataloader') or {}).get('dataset', {})
    if 'parts' not in dataset:
        raise UserError(f'config {name} has no train_dataloader.dataset.parts, so nothing of it is kept')
    simulate = dataset.get('simulate') or {}
    return {store.place(key) for part, cases in build_parts(dataset.parts).items()
            for key in case_keys(cases, simulate=simulate.get(part, ()), prepare=dataset.get('prepare', ()),
                                 slices=dataset.get('slices', False))}


@tool(parser)
def main(args):
    from scarceseg.components.datasets.cache.store import DiskStore, default_folder
    from scarceseg.components.datasets.cache.store_entries import list_entries, remove_entry
    store = DiskStore(args.folder or default_folder())
    chosen = [e for e in list_entries(store.folder) if e.idle_days >= args.older_than]
    if args.config:
        wanted = places_of(args.config, args.data, store)
        chosen = [e for e in chosen if e.place in wanted]
    for entry in chosen:
        print(f'{entry.place.name}  {entry.size_bytes / 2 ** 20:9.1f} MB  unused for {entry.idle_days:6.1f} days  '
              f'{entry.name or "(left by a process that was stopped)"}')
    removed = sum(remove_entry(e.place) for e in chosen) if args.remove else 0
    total = f'{len(chosen)} cases, {sum(e.size_bytes for e in chosen) / 2 ** 20:.1f} MB in {store.folder}'
    print(f'{total}; removed {removed}' if args.remove else f'{total}; --remove removes them')


if __name__ == '__main__':
    main()
