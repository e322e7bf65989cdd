"""Benchmark tasks: each reads the official files as they are published.

reading.py        JSON files and their rows, with errors that say what was expected
jsonl.py          bring your own
clevr.py · gqa.py · refcoco.py · vqa.py
plain_pickle.py   the pickles of the RefCOCO family, read without building anything
"""
