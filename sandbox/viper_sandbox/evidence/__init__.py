"""Which patches a program's answer counts or names, which were dropped, and which others were compared with.

    marking      marks, while a program is guarded, where its run is recorded; notes its data flow (`flow`)
    recorder     records the run: the patches that were met at each mark
    roles        follows the data flow back from the returned value, through the record (`collected`,
                 `expressions`, `choices`)
    absence      says of a failed program whether what it looked for was not there

All of it happens in the child, which the host does not trust: see `program_protocol`.
"""
