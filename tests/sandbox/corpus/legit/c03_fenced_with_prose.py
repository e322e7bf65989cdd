# legit: a Markdown answer with prose on both sides | must run
# value: 'blue'
Sure! To answer this question, I first find the cars and then compare their sizes.

```python
def execute_command(image):
    image_patch = ImagePatch(image)
    cars = image_patch.find("car")
    largest = max(cars, key=lambda car: car.width * car.height)
    return largest.simple_query("What color is the car?")
```

This program returns the color of the largest car. Let me know if you need anything else!
