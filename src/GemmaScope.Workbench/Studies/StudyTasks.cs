using System.Numerics.Tensors;
using System.Text.Json;
using GemmaScope.Behaviour;
using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>
/// What a model should still be able to do while it is edited: texts whose right next token is known. Each line has <c>prompt</c> (a text
/// that is gone on with) or <c>question</c> (asked in the chat template), <c>answer</c>, and perhaps <c>wrong</c>, a text or several. A
/// task is solved if the answer's first token is likelier than those of all wrong ones, or without these than any other token.
/// </summary>
internal sealed class StudyTasks
{
    private readonly GemmaModel _model;
    private readonly List<Task> _tasks = [];

    private StudyTasks(GemmaModel model) => _model = model;

    /// <summary>How many there are.</summary>
    public int Count => _tasks.Count;

    /// <summary>Reads tasks; pairs of <see cref="MinimalPair"/> are tasks too.</summary>
    /// <param name="model">The model that solves them.</param>
    /// <param name="file">The file.</param>
    /// <param name="progress">Told which are left out, as their answers begin alike.</param>
    /// <exception cref="FileFormatException">The file cannot be read, a line lacks a field, or nothing is left.</exception>
    public static StudyTasks Read(GemmaModel model, string file, IProgress<JobReport>? progress)
    {
        var (tasks, alike) = (new StudyTasks(model), 0);
        foreach (var line in JsonLines.Read(file))
        {
            var answer = First(line.Text("answer") ?? line.Text("clean_answer") ?? throw line.Missing("answer"));
            int[] wrong = [.. Wrong(line).Select(First)];
            if (wrong.Contains(answer))
                alike++;
            else
                tasks._tasks.Add(new(Prompt(line), answer, wrong));
        }
        if (alike > 0)
            progress.Note($"{alike} tasks of {Path.GetFileName(file)} are left out: right and wrong begin with the same token.");
        return tasks.Count > 0
            ? tasks
            : throw new FileFormatException("holds no task; each line has prompt, answer and perhaps wrong", file);

        int[] Prompt(JsonSection line) =>
            line.Text("question") is { } question
                ? model.ChatTemplate.Encode(model.Tokenizer, [new("user", question)], addGenerationPrompt: true)
                : model.Tokenizer.Encode(line.Text("prompt") ?? line.Text("clean_prefix") ?? throw line.Missing("prompt"), addBos: true);

        int First(string text) =>
            model.Tokenizer.Encode(text) is [var first, ..] ? first : throw new FileFormatException("holds an empty answer", file);
    }

    /// <summary>Which are solved.</summary>
    public bool[] Solve(IReadOnlyList<Edit> edits, CancellationToken cancellationToken)
    {
        var next = NextTokens.Of(_model, [.. _tasks.Select(task => task.Prompt)], edits, cancellationToken: cancellationToken);
        return [.. _tasks.Select((task, i) => IsSolved(task, next[i]))];
    }

    private static IEnumerable<string> Wrong(JsonSection line) =>
        line.Element.TryGetProperty("wrong", out var wrong) && wrong.ValueKind == JsonValueKind.Array ? line.Texts("wrong")!
        : line.Text("wrong") is { } one ? [one]
        : line.Text("patch_answer") is { } other ? [other]
        : [];

    private static bool IsSolved(Task task, ReadOnlySpan<float> logits)
    {
        var answer = logits[task.Answer];
        if (task.Wrong.Length == 0)
            return TensorPrimitives.IndexOfMax(logits) == task.Answer;
        foreach (var wrong in task.Wrong)
            if (logits[wrong] >= answer)
                return false;
        return true;
    }

    private sealed record Task(int[] Prompt, int Answer, int[] Wrong);
}
