namespace GemmaScope.Tests;

/// <summary>Reports in the thread that works, at once: <see cref="Progress{T}"/> would post reports to other threads, in any order and
/// after the end.</summary>
internal sealed class DirectProgress<T>(Action<T> report) : IProgress<T>
{
    public void Report(T value) => report(value);
}
