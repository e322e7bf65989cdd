# legit: keyword arguments for helpers and for the API | must run
# value: 'a red thing'
def describe(patch, *, question="What color is it?", prefix=""):
    return prefix + patch.simple_query(question=question)

def execute_command(image):
    car = ImagePatch(image=image).find(object_name="car")[0]
    return describe(car, prefix="a ") + " " + describe(car, question="What is it?")
