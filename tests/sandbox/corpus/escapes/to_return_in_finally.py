# category: timeout-evasion | expect: kill | success would mean: finally: return/continue discards pending timeout exception
# refused: timeout - "The program "
def execute_command(image):
    def g():
        try:
            while True:
                pass
        finally:
            return g()
    return g()
