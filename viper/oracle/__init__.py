"""True perception: the four vision roles answered from a file that says what the pictures show.

With perfect eyes, whatever an answer still gets wrong is the program's fault. Two kinds of files are
read, told apart by their content: CLEVR scene files and GQA scene graphs.

    reading.py      a JSON file, every value checked by name         →  SceneFile
    clevr.py        CLEVR scenes (boxes from projection.py if the file has none)
    gqa.py          GQA scene graphs
    language.py     from a phrase to the terms that must hold        "the small shiny cube"
    scene.py        things with their boxes and terms; which of them a view shows
    detector.py · matcher.py · depth.py · answerer.py                 the roles
"""
