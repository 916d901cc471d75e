from sklearn_bilstm.utils._callbacks import FitTask, fit_task


def test_a_fit_without_callbacks_is_told_to_nobody():
    with fit_task(object(), X=None, y=None) as task:
        task.begin(3)
        assert isinstance(task.subtask("epoch"), FitTask)
        assert not task.end(attributes=None)  # which is not asked for them
