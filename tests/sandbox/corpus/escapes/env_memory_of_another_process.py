# category: os: environment | expect: reject | success would mean: the memory of another process, where the keys are
# refused: policy 2 "'open' is not part of programs: programs have no files."
# os: escapes
def execute_command(image):
    maps = open("/proc/@VICTIM_PID@/maps").read().splitlines()
    start, end = [int(x, 16) for line in maps if "[stack]" in line for x in line.split()[0].split("-")]
    memory = open("/proc/@VICTIM_PID@/mem", "rb", 0)
    memory.seek(start)
    if b"VIPER-CANARY" in memory.read(end - start):
        return "ESCAPED:secret"
