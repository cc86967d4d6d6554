using System.Text;
using System.Text.Json;
using GemmaScope.Activations;
using GemmaScope.Cli.Output;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Training;

namespace GemmaScope.Cli.Training;

/// <summary>
/// A finished dictionary: measured, written under the name that its L0 gives it, with scores, model card and a page of curves. All files
/// are made anew when the run is taken up and ends again.
/// </summary>
internal sealed class TrainedDictionary
{
    public const string ResultFile = "result.json", PageFile = "metrics.html", CardFile = "README.md", ScoresFile = "scores.json";

    private TrainedDictionary(TrainingMember member, TrainingScores scores, string path, DictionaryForm form)
    {
        (Configuration, Scores, Path, Form) = (member.Configuration, scores, path, form);
        (Steps, Tokens, SkippedBatches) = (member.Trainer.Step, member.Trainer.Tokens, member.SkippedBatches);
    }

    public TrainingConfiguration Configuration { get; }

    public TrainingScores Scores { get; }

    /// <summary>The dictionary's folder inside the output folder.</summary>
    public string Path { get; }

    public DictionaryForm Form { get; }

    public long Steps { get; }

    public long Tokens { get; }

    public long SkippedBatches { get; }

    /// <summary>Measures and writes.</summary>
    /// <param name="member">What was trained.</param>
    /// <param name="source">The data it was trained on, where the run left it.</param>
    /// <param name="model">The model, needed where losses are measured.</param>
    /// <param name="session">Terminal and cancellation.</param>
    public static TrainedDictionary Finish(TrainingMember member, IActivationSource source, GemmaModel? model, Session session)
    {
        var configuration = member.Configuration;
        using var dictionary = member.ToDictionary(configuration.Kind.ToString());
        var scores = Waiting.For(session.Terminal, "measuring", () => TrainingScores.Measure(dictionary, configuration, source, model, session.Cancellation));
        var form = configuration.Form ?? DictionaryFolder.FormOf(dictionary);
        var path = DictionaryFolder.Of(dictionary, scores.L0 ?? member.Last?.L0 ?? 0, form);
        RemoveFormer(configuration.Output, path);
        DictionaryWriter.Write(dictionary, System.IO.Path.Combine(configuration.Output, path), form, new() { Overwrite = true }, session.Cancellation);
        var result = new TrainedDictionary(member, scores, path, form);
        result.WriteFile(System.IO.Path.Combine(path, ScoresFile), Json.Text(scores.Write));
        result.WriteFile(CardFile, ModelCard.Render(result));
        result.WriteFile(PageFile, TrainingPage.Render(result.Configuration));
        result.WriteFile(ResultFile, Json.Text(result.Write));
        return result;
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
        json.Object("scores", () => Scores.Write(json));
    }

    /// <summary>A run that went on may have another L0 and so another name; two results in one folder could not be told apart.</summary>
    private static void RemoveFormer(string output, string path)
    {
        var file = System.IO.Path.Combine(output, ResultFile);
        if (!File.Exists(file) || JsonFile.Read(file).Text("dictionary") is not { } former || former == path) return;
        var folder = System.IO.Path.GetFullPath(System.IO.Path.Combine(output, former));
        if (folder.StartsWith(System.IO.Path.GetFullPath(output) + System.IO.Path.DirectorySeparatorChar, StringComparison.Ordinal) && Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }

    private void WriteFile(string name, string text) =>
        AtomicFile.Write(System.IO.Path.Combine(Configuration.Output, name), stream => stream.Write(Encoding.UTF8.GetBytes(text)), overwrite: true);
}
