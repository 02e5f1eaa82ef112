"""Ray's workers on one machine, forked from a process that has imported their libraries already.

Left to itself Ray starts every worker as a new interpreter that imports Ray, replaces itself by another one, and imports Ray
and Serve once more: 2.4 s of processor time for each of a studio's dozen. ``launch`` runs the fork server while the studio
is open, ``server`` is that process, and ``start_worker`` is what Ray runs in place of its own ``setup_worker.py``.
"""
