"""What a run folder says of a run, in words: what was run, on what, how long it took, what machine it was."""
from __future__ import annotations

import numpy as np

from scarceseg.registry import METHODS

from ..runs import BEST, LAST, tests_on_validation


def about_facts(record, config, done):
    """[(term, text)]: what was run."""
    seen = [('Config', record.get('config')), ('Fold', record.get('fold')), ('Seed', record.get('seed'))]
    if config is not None:
        model, optimizer = config.model, config.get('optim_wrapper', {})
        wanted = (config.get('train_cfg') or {}).get('max_iters')
        weights = ', '.join(f'{term} × {spell(weight)}' for term, weight in model.get('weights', {}).items())
        batch = (config.get('train_dataloader') or {}).get('batch_sampler', {}).get('parts', {})
        seen = [('Method', method_text(model.method)), seen[0],
                ('Losses', '; '.join(f'{name}: {spell(loss)}' for name, loss in model.get('losses', {}).items())),
                ('Weights', weights),
                ('Classes', ', '.join(map(str, config.get('classes', ())))), ('Iterations', f'{done} of {wanted}'),
                ('Batch', ', '.join(f'{n} {part}' for part, n in batch.items())), ('Optimizer', spell(optimizer.get('optimizer'))),
                ('Learning rate', '; '.join(map(spell, _several(config.get('param_scheduler'))))), *seen[1:],
                ('Prepared by', '; '.join(map(spell, config.get('prepare', [])))),
                ('Augmented by', '; '.join(map(spell, config.get('transforms', [])))),
                ('Predicts by', '; '.join(map(spell, _several(config.get('inferer'))))),
                ('Post-processed by', '; '.join(map(spell, config.get('postprocess', []))))]
    seen += [('Started', _moment(record.get('started'))), ('Finished', _moment(record.get('finished')))]
    return [(term, str(text)) for term, text in seen if text not in (None, '')]


def method_text(settings):
    """A method's name and settings, and the first line of what it says of itself."""
    METHODS.import_from_location()
    function = METHODS.get(settings['type'])
    said = (getattr(function, '__doc__', None) or '').strip().partition('\n')[0].rstrip('.')
    return f'{spell(settings)}: {said}' if said else spell(settings)


def spell(component):
    """A component of a config as people write it: 'soft_dice (smooth=0.001)'."""
    if not isinstance(component, dict):
        return '' if component is None else str(component)
    settings = ', '.join(f'{k}={spell(v)}' for k, v in component.items() if k != 'type')
    return f'{component.get("type", "")} ({settings})'.strip() if settings else str(component.get('type', ''))


def network_table(record, config):
    """(header, rows) of the networks, with parameters where the run noted them."""
    noted = record.get('networks', {})
    configs = dict(config.model.networks) if config is not None else {}
    rows = []
    for name in dict.fromkeys([*configs, *noted]):
        own = noted.get(name, {})
        parameters = f'{own["parameters"]:,}'.replace(',', '\u202f') if own else 'not noted'
        average = configs.get(name, {}).get('average_of')
        share = f'average of {average}' if average else ''
        if own and not average and own['trained'] < own['parameters']:
            share = f'{own["trained"]:,}'.replace(',', '\u202f')
        rows.append([name, spell(configs[name]) if name in configs else own['type'], parameters, share])
    if not any(row[3] for row in rows):
        return ['network', 'type and settings', 'parameters'], [row[:3] for row in rows]
    return ['network', 'type and settings', 'parameters', 'trained'], rows


def part_table(record, config, manifest):
    """(header, rows) of the parts of the data, with numbers of cases as far as they were noted."""
    counts, rows = record.get('cases', {}), []
    loaders = {} if config is None else {name: (config.get(name) or {}).get('dataset', {})
                                         for name in ('train_dataloader', 'val_dataloader', 'test_dataloader')}
    parts = dict(loaders.get('train_dataloader', {}).get('parts', {}))
    for part in dict.fromkeys([*parts, *(p for p in counts if p != 'validation')]):
        own = counts.get(part, {})
        rows.append([part, 'training', own.get('cases', '–'), own.get('samples', '–'), _source(parts.get(part, {}))])
    validation = loaders.get('val_dataloader', {}).get('cases', {})
    if validation:
        rows.append(['validation', 'validation', counts.get('validation', {}).get('cases', '–'), '–', _source(validation)])
    if manifest:
        tested = loaders.get('test_dataloader', {}).get('cases') or validation
        rows.append(['test', 'these predictions', len(manifest.get('cases', ())), '–', manifest.get('images') or _source(tested)])
    return ['part', 'for', 'cases', 'samples', 'from'], rows


def _source(cases):
    """Where a data set's cases are from."""
    named = [f'{key} {cases[key]}' for key in ('images', 'labels', 'split') if cases.get(key)]
    unannotated = [f'unannotated: {cases["unannotated"]}'] if cases.get('unannotated') is not None else []
    return ', '.join([*named, *unannotated]) or cases.get('type', '')


def timing_facts(record, curves, manifest):
    """[(term, text)]: seconds and memory, as far as they were logged."""
    facts = []
    seconds, waited = (_values(curves, f'train/{name}') for name in ('time', 'data_time'))
    if seconds.size:
        facts.append(('Iteration', f'{np.median(seconds):.3g} s (median of {seconds.size} logged values)'))
        last = max(points[-1][0] for name, points in curves.items() if name == 'train/time')
        facts.append(('All iterations', f'{duration(seconds.mean() * last)} for {last}, without validation'))
    if seconds.size and waited.size:
        facts.append(('Waiting for data', f'{100 * waited.mean() / seconds.mean():.1f} % of that time'))
    if (validation := _values(curves, 'val/time')).size:
        facts.append(('Validation', f'{np.median(validation):.3g} s a case'))
    logged = _values(curves, 'train/memory')  # mmengine starts anew at each, so that the largest counts
    gpu = max([*logged, record.get('peak_gpu_memory_mb', 0)])
    facts += _memory('Memory', dict(record, peak_gpu_memory_mb=gpu))
    taken = list(manifest.get('seconds', {}).values())
    if taken:
        spread = f', {min(taken):.3g} to {max(taken):.3g} s' if len(taken) > 1 else ''
        facts.append(('Prediction', f'{np.median(taken):.3g} s a case (median of {len(taken)}{spread})'))
    return facts + _memory('Prediction memory', manifest)


def _memory(term, noted):
    """[(term, text)] of the peaks of memory that were noted, if any."""
    peaks = [(noted.get('peak_gpu_memory_mb'), 'of the GPU'), (noted.get('peak_memory_mb'), 'of the process')]
    said = [f'{peak:,.0f} MB {whose}'.replace(',', '\u202f') for peak, whose in peaks if peak]
    return [(term, f'at most {", ".join(said)}')] if said else []


def protocol_facts(summary):
    """[(term, text)]: what a summary.json notes, in its ``protocol``, of the data, the config and the code it is of."""
    protocol = summary.get('protocol') or {}
    cases, training, config, code = (protocol.get(key) or {} for key in ('cases', 'training', 'config', 'code'))
    commit = f' {code["commit"][:10]}{" with changes" if code.get("changed") else ""}' if code.get('commit') else ''
    facts = [('Test cases', f'{cases["count"]}, hash {cases["hash"][:12]}' if cases else ''),
             ('Training cases', f'{training["count"]}, hash {training["hash"][:12]}' if training else ''),
             ('Config hash', config.get('hash', '')[:12]),
             ('Evaluated by', f'scarceseg {code.get("version")}{commit}' if code else '')]
    return [(term, text) for term, text in facts if text]


def environment_facts(record):
    """[(term, text)]: versions and machine."""
    machine = record.get('machine', {})
    seen = [(name, version) for name, version in record.get('versions', {}).items()]
    seen += [(name, ', '.join(map(str, said)) if isinstance(said, list) else said) for name, said in machine.items()]
    return [(str(term), str(text)) for term, text in seen]


def checkpoint_facts(record, config, manifest, curves):
    """[(term, text)]: which weights predicted, how they were chosen, and on what they are tested."""
    best = f'{100 * record["best_score"]:.2f} % at iteration {record["best_iteration"]}' if 'best_score' in record else ''
    if not manifest:
        return [('Best validation', best)] if best else []
    name, validations = manifest['checkpoint'].replace('\\', '/').rpartition('/')[2], len(curves.get('val/dice/mean', ()))
    hooks = {} if config is None else config.get('default_hooks') or {}
    which = hooks.get('checkpoint', {}).get('save_best', 'dice/mean')
    chosen = {LAST: 'the last iteration, whatever the validation said',
              BEST: f'the highest validation {which} of {validations or "several"} validations'}.get(name, 'named by hand')
    name = f'{len(manifest["ensemble"])} times {name}, of an ensemble' if manifest.get('ensemble') else name
    facts = [('File', name), ('Iteration', manifest.get('iteration') or 'unknown'), ('Chosen as', chosen)]
    facts += [('Best validation', best)] if best else []
    if manifest.get('images'):
        facts.append(('Predicts', f'the images of {manifest["images"]}'))
    elif config is not None:
        facts.append(('Tested on', 'the validation cases: what was chosen by looking at the validation flatters these numbers'
                      if tests_on_validation(config) else 'cases that are not those of the validation'))
    facts += [('Flips', 'averaged over the flips of the image (--tta)' if manifest.get('tta') else 'none'),
              ('SHA-256', manifest.get('checkpoint_sha256', 'unknown'))]
    return [(term, str(text)) for term, text in facts]


def duration(seconds):
    """'3 h 20 min', '20 min', '4 min 5 s', '2.5 s'."""
    if seconds < 60:
        return f'{seconds:.1f} s'
    if seconds < 600:
        return '{} min {} s'.format(*divmod(round(seconds), 60))
    return '{} h {} min'.format(*divmod(round(seconds / 60), 60)) if seconds >= 3570 else f'{round(seconds / 60)} min'


def _values(curves, name):
    values = np.array([value for _, value in curves.get(name, ())], float)
    return values[np.isfinite(values)]


def _several(entry):
    return [entry] if isinstance(entry, dict) else entry or []


def _moment(text):
    return text.replace('T', ' ') if text else None
