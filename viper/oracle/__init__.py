"""The oracle: the four vision roles answered from a file of annotated scenes (`truth:FILE`).

With perfect perception, every wrong answer is the fault of the program. CLEVR scene files and GQA scene
graphs are supported, and told apart by their content.

    json_value.py     a JSON file, every value checked by name       →  SceneFile
    clevr.py          CLEVR scenes (boxes from projection.py if the file has none)
    gqa.py            GQA scene graphs
    phrase_parser.py  from a phrase to the terms that must hold      "the small shiny cube"
    scene.py          objects with boxes and terms; the objects in a view
    scene_file.py     opens a file; base class of the roles
    detector.py · matcher.py · depth.py · answerer.py                 the roles
"""
