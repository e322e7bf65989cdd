# legit: builtin generics and unions in annotations | must run
# value: 'cat'
def pick(patches: list[ImagePatch], index: int | None = None) -> ImagePatch | None:
    return patches[index or 0] if patches else None

def execute_command(image: ImagePatch) -> str | None:
    patch = pick(ImagePatch(image).find("cat"))
    return patch.category if patch is not None else None
