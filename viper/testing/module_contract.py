"""The name in version 0.1 of `viper.testing.module_check`."""

from viper.testing.module_check import Verdict, check_module

__all__ = ["Verdict", "check_module"]
