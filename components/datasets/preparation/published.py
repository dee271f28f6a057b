"""Splits that the field uses, as they are published: names only.

ACDC: 70, 10 and 20 of the 100 patients of the official training set, and the seven of a tenth of labels, as the examples of PyMIC
[Wang 2023] list them. Left atrium: 80 and 20 of the 100 official training cases, as UA-MT [Yu 2019] lists them; of the 80, the
first 72 in the order of names are trained on, and of these the first seven are labelled, as in the examples of PyMIC, so that eight
are left for validation. JSRT: 180, 20 and 47 radiographs, nine of the 180 with clean labels where the others' are noisy, as in the
examples of PyMIC.
"""


def _names(text):
    return tuple(text.split())


ACDC_VALID = (2, 19, 28, 30, 39, 45, 78, 82, 85, 87)
ACDC_TEST = (1, 7, 8, 11, 13, 22, 24, 33, 52, 59, 64, 65, 66, 68, 75, 80, 81, 83, 84, 93)
ACDC_LABELED = (16, 25, 46, 62, 63, 74, 86)
ACDC_PATIENTS = 100

ATRIUM_VALID = _names('Q0MEX9ZIKAGJORSPLQ3Y Q7J0WYM695R9MA285ZW0 QZC1W0FNR19KJFLOCFLH R8ER97O9UUN77C02VE2J RSZY41MT2FGDKHWWL5L2 '
                      'SN4LF8SGBSRQUPTDSX78 TDDI6L3Y0L9VVFP9MNFS UZUZZT2W9IUSHL6ASOX3')
ATRIUM_TEST = _names('UPT6DX9IQY9JAZ7HJKA7 UTBUJIWZMKP64E3N73YC ULHWPWKKLTE921LQLH1P V0MZOWJ6MU3RMRCV9EXR VDOF02M8ZHEAADFMS6NP '
                     'VG4C826RAAKVMV9BQLVD VIXBEFTNVHZWKAKURJBN VQ2L3WM8KEVF6L44E6G9 WBG9WYZ1B25WDT5WAT8T WMDG2EFA6L2SNDZXIRU0 '
                     'WNPKE0W404QE9AELX1LR WSJB9P4JCXUVHBOYFVWL WW8F5CO4S4K5IM5Z7EXX X18LU5AOBNNDMLTA0JZL XYDLYJ5CS19FDBVLJIPI '
                     'Y7ZU0B2APPF54WG6PDMF YDKD1HVHSME6NVMA8I39 Z9GMG63CJLL0VW893BB1 ZIJLJAVQV3FJ6JSQOH1E ZQPMJ4XEC5A4BISD45P1')
ATRIUM_LABELED = _names('06SR5RBREL16DQ6M8LWS 0RZDK210BSMWAA6467LU 1D7CUD1955YZPGK8XHJX 1GU15S0GJ6PFNARO469W 1MHBF3G6DCPWHSKG7XCP '
                        '23X6SY44VT9KFHR7S7OC 2XL5HSFSE93RMOJDRGR4')
ATRIUM_CASES = 100

# numbers of the radiographs with (L) and without (N) nodules
JSRT_VALID = {'L': (1, 9, 16, 22, 24, 47, 58, 67, 115, 128, 132, 133, 140, 151), 'N': (13, 14, 15, 47, 62, 66)}
JSRT_TEST = {'L': (2, 4, 20, 21, 25, 27, 29, 42, 43, 49, 61, 78, 81, 85, 87, 94, 96, 107, 111, 113, 118, 122, 123, 141, 143, 147,
                   149),
             'N': (3, 5, 7, 18, 20, 25, 28, 31, 39, 40, 42, 44, 65, 71, 74, 78, 81, 82, 83, 92)}
JSRT_CLEAN = {'L': (3, 8, 41, 63, 83, 130), 'N': (36, 52, 61)}
JSRT_CASES = 247


def jsrt_names(numbers):
    """{'L': (1, …), …} as ['JPCLN001', …]."""
    return [f'JPC{kind}N{number:03d}' for kind, own in numbers.items() for number in own]


def parts_of(names, **parts):
    """{'train': names of no part, part: those of ``names`` that it has}, in the order of ``names``."""
    taken = {n for part in parts.values() for n in part}
    return {'train': [n for n in names if n not in taken], **{key: [n for n in names if n in part] for key, part in parts.items()}}


def note_on_split(found, expected, what):
    """A sentence where not all cases of a published split are there, in a tuple; else nothing."""
    if found == expected:
        return ()
    return (f'the published split is of {expected} {what}, and {found} of them are here: the lists name these alone',)
