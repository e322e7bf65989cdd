# category: markdown | expect: harmless | success would mean: a main guard behind the program is not run
# gives: 'fine'
def execute_command(image):
    return "fine"

if __name__ == "__main__":
    import os
    os.system("touch @CANARY_DIR@/escape_canary")
