# category: builtins-import | expect: reject | success would mean: an import deep inside
# refused: check 4 "Programs can import math, re, typing; not 'subprocess'. Remove it."
def execute_command(image):
    def helper():
        if image.width > 0:
            import subprocess
            return subprocess.getoutput("id")
    return "ESCAPED:" + helper()
