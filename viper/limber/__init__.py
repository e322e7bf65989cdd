"""Lets a language model that never saw a picture speak about one: LiMBeR (Merullo et al. 2022).

    picture ── encoder (frozen) ── features (D,)
                                      │  one linear map, the only thing that is trained
                                      ▼
                          k soft prompts (k, E)  +  "question: … answer:" ── language model (frozen)
                                                                                 ▼
                                                                             an answer

That it works at all says that pictures and words are stored alike up to a linear map
(https://arxiv.org/abs/2209.15162).

model         the map and the frozen language model: loss, answers
examples      the file of captions and questions that it is trained on
training      trains the map, from a checkpoint where one stands
evaluation    how often it is right, beside a matcher on the same options and a blind control
folder        what a trained map is kept in; `--backend answerer=limber:FOLDER` loads it
"""
