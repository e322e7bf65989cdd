# legit: a question put together from an answer | must run
# value: 'short'
def execute_command(image) -> str:
    image_patch = ImagePatch(image)
    brand = image_patch.simple_query("What is the brand?")
    return image_patch.llm_query(f"Where does {brand} come from?", long_answer=False)
