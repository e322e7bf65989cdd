import subprocess
import sys

import viper_sandbox


def test_every_public_name_can_be_had():
    assert sorted(viper_sandbox.__all__) == dir(viper_sandbox)
    for name in viper_sandbox.__all__:
        assert getattr(viper_sandbox, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(viper_sandbox, "Jial")


def loaded(statement):
    code = f"{statement}; import sys; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    modules = loaded("import viper_sandbox")
    assert not modules & {"asyncio", "RestrictedPython", "ast", "numpy", "torch", "viper"}


def test_neither_side_loads_the_engine_or_its_libraries():
    modules = loaded("import viper_sandbox.jail, viper_sandbox.child, viper_sandbox.probe")
    assert not modules & {"viper", "numpy", "torch", "PIL", "transformers"}


def test_the_host_does_not_load_what_parses_programs():
    modules = loaded("import viper_sandbox.jail")
    parsers = {"examine", "execute", "policy", "extract", "check", "namespace"}
    assert not modules & {f"viper_sandbox.{name}" for name in parsers}
