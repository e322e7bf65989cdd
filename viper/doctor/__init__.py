"""The checks of `viper doctor`: what Viper needs, what this machine has, and how to fix the difference.

    checks = machine_checks(machine, torch)     # values in, check results out
    checks[0].level, checks[0].fix              # "warning", "pip install …"

Each module has a function that reads facts from this machine, and one that turns facts into check results.
The second needs no machine, so every check can be tested with made-up facts.

    report.py         runs all checks
    check_result.py   the result of one check: topic, level, title, what was found, fix
    sandbox.py        the sandbox level, measured by attempting forbidden acts
    images.py         whether a confined process decodes images
    machine.py        Python, CPU, memory, torch and its devices
    torch_facts.py    what torch reports, read in a separate process
    models.py         which models are on disk, and which presets fit into memory
    endpoint.py       whether the language-model endpoint answers
    settings.py       whether viper.toml and VIPER_… can be read
    plugins.py        plugins of other distributions, and optional packages
"""

from viper.doctor.check_result import CheckLevel, CheckResult

__all__ = ["CheckLevel", "CheckResult"]
