# category: os-level | expect: deny | success would mean: /dev/shm or tmp filled
# refused: policy 2 "'open' is not part of programs: programs have no files."
# os: contained
def execute_command(image):
    open("/dev/shm/escape_canary", "wb").write(b"x" * (1 << 20))
    return "ESCAPED:shm"
