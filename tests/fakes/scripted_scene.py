"""Answers the calls of a program in the jail from a scene that a test has written down."""

from __future__ import annotations

from typing import Any

from fakes.scene import Scene, Thing
from viper_sandbox import Call, CallFailed, PatchRef

_HANDLE = 3


class ScriptedScene:
    """The handler of a jail for one scene; what the scene does not say fails the call.

    A thing named "picture" that fills the picture says what can be seen of it as a whole. A question
    is answered from `scene.answers`, or with the name of the thing that is asked.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.image = PatchRef(_HANDLE, (0.0, 0.0, float(scene.width), float(scene.height)))

    async def __call__(self, call: Call) -> Any:
        return getattr(self, "_" + call.name.rpartition(".")[2])(call.receiver, *call.arguments)

    def thing_of(self, patch: PatchRef) -> Thing:
        """Return the thing that a patch shows."""
        for thing in self._scene.things:
            if thing.box_xyxy == tuple(patch.box_xyxy):
                return thing
        raise CallFailed("model", f"The scene has nothing at {patch.box_xyxy}.")

    def _find(self, patch: PatchRef, name: str) -> list[PatchRef]:
        left, top, right, bottom = patch.box_xyxy
        found = []
        for thing in self._scene.things:
            x1, y1, x2, y2 = thing.box_xyxy
            inside = left <= (x1 + x2) / 2 < right and top <= (y1 + y2) / 2 < bottom
            if inside and name in (thing.name, self._scene.kinds.get(thing.name)):
                found.append(PatchRef(_HANDLE, thing.box_xyxy, name, thing.score))
        return sorted(found, key=lambda one: -one.score)

    def _exists(self, patch: PatchRef, name: str) -> bool:
        return bool(self._find(patch, name))

    def _verify_property(self, patch: PatchRef, name: str, attribute: str) -> bool:
        return attribute in self.thing_of(patch).attributes

    def _best_text_match(self, patch: PatchRef, options: list[str], prefix: str | None) -> str:
        return max(options, key=lambda option: self._match(patch, option))

    def _best_image_match(
        self, receiver: None, patches: list[PatchRef], content: Any, return_index: bool
    ) -> int | PatchRef:
        text = content if isinstance(content, str) else " ".join(content)
        best = max(range(len(patches)), key=lambda index: self._match(patches[index], text))
        return best if return_index else patches[best]

    def _match(self, patch: PatchRef, text: str) -> int:
        thing = self.thing_of(patch)
        shown = {word for phrase in (thing.name, *thing.attributes) for word in phrase.split()}
        return len(shown & set(text.split()))

    def _absent(self, receiver: None, name: str) -> Any:
        raise CallFailed("absent", name)

    def _unsure(self, receiver: None, why: str) -> Any:
        raise CallFailed("unsure", why)

    def _compute_depth(self, patch: PatchRef) -> float:
        return self.thing_of(patch).depth

    def _simple_query(self, patch: PatchRef, question: str) -> str:
        answer = self._scene.answers.get(question)
        return self.thing_of(patch).name if answer is None else answer

    def _llm_query(self, patch: PatchRef | None, question: str, long_answer: bool) -> str:
        if question not in self._scene.answers:
            raise CallFailed("model", f"The scene has no answer to {question!r}.")
        return self._scene.answers[question]
