"""What the requests of one model cost: which are billed, what budgets allow, and what was spent."""

from __future__ import annotations

from collections import Counter

from viper.errors import BudgetError, ModelError
from viper.llm.budget import Budget
from viper.models.roles import Completion
from viper.scheduling.job import Job
from viper.scheduling.method_request import ModuleResult
from viper.scheduling.operation import ANSWER, COMPLETE, Operation, prompt_tokens
from viper.usage import Usage

__all__ = ["Billing"]

_BILLED = (ANSWER.role, COMPLETE.role)


class Billing:
    """Checks and charges budgets; a request is charged once, however many programs wait for it.

    Args:
        budget: That of the model's engine; a job of an engine that borrows the model brings its own.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._reporting: set[Operation] = set()  # operations whose results reported usage

    def is_billed(self, operation: Operation) -> bool:
        """Return whether an operation costs tokens: by its role, or because its results reported usage."""
        return operation.role in _BILLED or self.reports_usage(operation)

    def reports_usage(self, operation: Operation) -> bool:
        """Return whether a result of an operation has reported what it used."""
        return operation in self._reporting

    def affordable(
        self, batch: list[Job], backend: object
    ) -> tuple[list[Job], list[tuple[Job, BudgetError]]]:
        """Return the jobs of a batch that their budgets allow, and the others with errors.

        Args:
            batch: Jobs of one operation.
            backend: The model; one that knows how long its prompts become counts them itself
                (`prompt_tokens(request)`), such as an answerer that sends an image along.
        """
        if not self.is_billed(batch[0].operation):
            return batch, []
        counted = getattr(backend, "prompt_tokens", prompt_tokens)
        allowed: list[Job] = []
        refused: list[tuple[Job, BudgetError]] = []
        planned: Counter[Budget] = Counter()  # tokens of the prompts of this batch
        for job in batch:
            budget, tokens = job.budget or self._budget, counted(job.request)
            try:
                budget.check(planned[budget] + tokens)
                planned[budget] += tokens
                allowed.append(job)
            except BudgetError as error:
                refused.append((job, error))
        return allowed, refused

    def record(self, job: Job, value: object) -> None:
        """Record the cost of a result in the budgets of the model's engine and of the borrowing one."""
        usage = value.usage if isinstance(value, Completion | ModuleResult | ModelError) else None
        if usage is None or usage == Usage():
            return
        self._reporting.add(job.operation)
        for budget in {self._budget, job.budget or self._budget}:
            budget.add(usage)
