from sklearn_bilstm.utils._callbacks import FitTask, fit_task


def test_fit_task_without_callbacks_does_nothing():
    with fit_task(object(), X=None, y=None) as task:
        task.begin(3)
        assert isinstance(task.subtask("epoch"), FitTask)
        assert not task.end(attributes=None)  # attributes are not evaluated
