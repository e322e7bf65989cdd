"""What `viper doctor` looks at, and what it makes of it.

    findings = machine_findings(machine, torch)      # values in, findings out
    findings[0].level, findings[0].cure              # "warning", "pip install …"

Each module has a function that reads facts off this machine, and one that turns facts into findings. The
second needs no machine, so that every finding can be tested with facts that are made up.

    findings.py   the value: level, topic, title, what was found, cure
    sandbox.py    how strong the sandbox is, by trying
    machine.py    Python, processor, memory, torch and its devices
    models.py     which models are on disk, and which presets fit into the memory
    endpoint.py   whether the endpoint of language models answers
    settings.py   whether viper.toml and VIPER_… can be read
    plugins.py    what other distributions add, and the optional packages
"""

from viper.doctor.check_result import CheckResult, FindingLevel

__all__ = ["CheckResult", "FindingLevel"]
