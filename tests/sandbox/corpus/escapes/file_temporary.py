# category: os: files | expect: reject | success would mean: a temporary file
# refused: policy 3 "'with' is not part of programs: they have no files or locks. Remove it."
# os: escapes
import tempfile
def execute_command(image):
    with tempfile.NamedTemporaryFile(dir="@CANARY_DIR@") as file:
        return "ESCAPED:" + file.name
