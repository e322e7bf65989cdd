# category: os: environment | expect: reject | success would mean: the environment of another process through /proc
# refused: policy 2 "'open' is not part of programs: programs have no files."
# os: escapes
def execute_command(image):
    data = open("/proc/@VICTIM_PID@/environ", "rb").read()
    if b"VIPER-CANARY" in data:
        return "ESCAPED:secret"
