# legit: numbers of every kind | must run
# value: [27, 12, 1, 7, -4, 1, 2, 1003.0, 31, 1000, False, 3]
def execute_command(image):
    n = len(ImagePatch(image).find("person"))
    return [n ** 3, n << 2, n & 1, n | 4, ~n, -n % 4, 7 // n, 1e3 + n, 0x1F, 1_000, not n, +n]
