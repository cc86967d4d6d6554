using System.Text;
using System.Text.Json;
using GemmaScope.Activations;
using GemmaScope.Cli.Output;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Training;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Training;

/// <summary>
/// A finished dictionary: measured, written under the name that its L0 gives it, with scores, model card and a page of curves. All files
/// are made anew when the run is taken up and ends again.
/// </summary>
internal sealed class TrainingResult
{
    public const string ResultFile = "result.json",
        PageFile = "metrics.html",
        CardFile = "README.md";

    private const string RunKey = "run";

    private TrainingResult(TrainingMember member, TrainingScores scores, string path, DictionaryForm form)
    {
        (Configuration, Scores, Path, Form) = (member.Configuration, scores, path, form);
        (Steps, Tokens, SkippedBatches) = (member.Trainer.Step, member.Trainer.Tokens, member.SkippedBatches);
    }

    public TrainingConfiguration Configuration { get; }

    public TrainingScores Scores { get; }

    /// <summary>The dictionary's folder inside the root.</summary>
    public string Path { get; }

    public DictionaryForm Form { get; }

    public long Steps { get; }

    public long Tokens { get; }

    public long SkippedBatches { get; }

    /// <summary>Measures and writes what was trained together.</summary>
    /// <param name="members">The finished members of a run.</param>
    /// <param name="root">The folder that the dictionaries' paths begin in.</param>
    /// <param name="source">The data they were trained on, where the run left it.</param>
    /// <param name="model">The model, needed where losses are measured.</param>
    /// <param name="session">Terminal and cancellation.</param>
    public static IReadOnlyList<TrainingResult> Finish(
        IReadOnlyList<TrainingMember> members,
        string root,
        IActivationSource source,
        GemmaModel? model,
        Session session
    )
    {
        var dictionaries = members.Select(member => member.ToDictionary(member.Configuration.Output)).ToArray();
        try
        {
            var scores = Waiting.For(
                session.Terminal,
                "measuring",
                () =>
                    TrainingMeasurement.Measure(
                        dictionaries,
                        [.. members.Select(member => member.Configuration)],
                        source,
                        model,
                        session.Cancellation
                    )
            );
            return [.. members.Select((member, i) => Write(member, dictionaries[i], scores[i], root, session.Cancellation))];
        }
        finally
        {
            foreach (var dictionary in dictionaries)
                dictionary.Dispose();
        }
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteString("output", Configuration.Output);
        json.WriteString("dictionary", Path);
        json.WriteString("form", JsonNamingPolicy.SnakeCaseLower.ConvertName($"{Form}"));
        json.WriteString("kind", $"{Configuration.Kind}");
        json.Strings("sites", Configuration.Sites.Select(site => site.ToString()));
        json.Strings("targets", Configuration.Outputs.Select(site => site.ToString()));
        json.WriteNumber("width", Configuration.Width);
        json.WriteNumber("steps", Steps);
        json.WriteNumber("tokens", Tokens);
        json.WriteNumber("skipped_batches", SkippedBatches);
        json.WritePropertyName("scores");
        JsonSerializer.Serialize(json, Scores, ResultJson.Indented);
    }

    private static TrainingResult Write(
        TrainingMember member,
        SparseDictionary dictionary,
        TrainingScores scores,
        string root,
        CancellationToken cancellationToken
    )
    {
        var configuration = member.Configuration;
        var form = configuration.Form ?? DictionaryFolder.FormOf(dictionary);
        RemoveFormer(configuration.Output, root);
        var path = FreePath(dictionary, scores.L0 ?? member.Last?.L0 ?? 0, form, root, configuration.Output);
        DictionaryWriter.Write(dictionary, System.IO.Path.Combine(root, path), form, new() { Overwrite = true }, cancellationToken);
        var result = new TrainingResult(member, scores, path, form);
        WriteText(
            System.IO.Path.Combine(root, path, TrainingScores.FileName),
            OfRun(System.IO.Path.GetFileName(configuration.Output), scores)
        );
        WriteText(System.IO.Path.Combine(configuration.Output, CardFile), ModelCard.Render(result));
        WriteText(System.IO.Path.Combine(configuration.Output, PageFile), TrainingPage.Render(configuration));
        WriteText(System.IO.Path.Combine(configuration.Output, ResultFile), Json.Text(result.Write));
        return result;
    }

    /// <summary>Scores with the name of the run they are of.</summary>
    private static string OfRun(string run, TrainingScores scores)
    {
        var json = JsonSerializer.SerializeToNode(scores, ResultJson.Indented)!.AsObject();
        json.Insert(0, RunKey, run);
        return json.ToJsonString(ResultJson.Indented);
    }

    /// <summary>The name its L0 gives it, with more digits where another run has that name.</summary>
    private static string FreePath(SparseDictionary dictionary, double l0, DictionaryForm form, string root, string output)
    {
        bool IsFree(string path)
        {
            var scores = System.IO.Path.Combine(root, path, TrainingScores.FileName);
            return !Directory.Exists(System.IO.Path.Combine(root, path))
                || (File.Exists(scores) && JsonFile.Read(scores).Text(RunKey) == System.IO.Path.GetFileName(output));
        }
        return Enumerable.Range(0, 6).Select(digits => DictionaryFolder.Of(dictionary, l0, form, digits)).FirstOrDefault(IsFree)
            ?? throw new ArgumentProblemException("holds dictionaries of this site, width and L0 already; name another folder", root);
    }

    /// <summary>A run that went on may have another L0 and so another name; two results in one folder could not be told apart.</summary>
    private static void RemoveFormer(string output, string root)
    {
        var file = System.IO.Path.Combine(output, ResultFile);
        if (!File.Exists(file) || JsonFile.Read(file).Text("dictionary") is not { Length: > 0 } former)
            return;
        var (inside, folder) = (System.IO.Path.GetFullPath(root), System.IO.Path.GetFullPath(System.IO.Path.Combine(root, former)));
        if (
            folder.StartsWith(inside + System.IO.Path.DirectorySeparatorChar, StringComparison.Ordinal)
            && File.Exists(System.IO.Path.Combine(folder, TrainingScores.FileName))
        )
            Directory.Delete(folder, recursive: true);
    }

    private static void WriteText(string file, string text) =>
        AtomicFile.Write(file, stream => stream.Write(Encoding.UTF8.GetBytes(text)), overwrite: true);
}
