# category: builtins-import | expect: harmless | success would mean: a try around an import makes it succeed
# gives: [None, 'ModuleNotFoundError']
def execute_command(image):
    kind = "none"
    try:
        import os
    except ModuleNotFoundError:
        os, kind = None, "ModuleNotFoundError"
    except ImportError:
        os, kind = None, "ImportError"
    return [os, kind]
