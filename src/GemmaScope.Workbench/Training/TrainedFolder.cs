using System.Text;
using System.Text.Json;
using GemmaScope.Activations;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Training;

namespace GemmaScope.Workbench;

/// <summary>
/// Writes finished dictionaries: each measured, under the name that its L0 gives it, with scores, model card and a page of curves. All
/// files are made anew when the run is taken up and ends again.
/// </summary>
internal static class TrainedFolder
{
    private const string RunKey = "run";

    /// <summary>Measures and writes what was trained together.</summary>
    /// <param name="members">The finished members of a run.</param>
    /// <param name="root">The folder that the dictionaries' paths begin in.</param>
    /// <param name="source">The data they were trained on, where the run left it.</param>
    /// <param name="model">The model, needed where losses are measured.</param>
    /// <param name="skippedRows">Rows of the text that were left out.</param>
    /// <param name="progress">Told what is being done.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    public static IReadOnlyList<TrainResult> Write(
        IReadOnlyList<TrainingMember> members,
        string root,
        IActivationSource source,
        GemmaModel? model,
        long skippedRows,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var dictionaries = members.Select(member => member.ToDictionary(member.Configuration.Output)).ToArray();
        try
        {
            var scores = TrainingMeasurement.Measure(
                dictionaries,
                [.. members.Select(member => member.Configuration)],
                source,
                model,
                progress,
                cancellationToken
            );
            return [.. members.Select((member, i) => Write(member, dictionaries[i], scores[i], root, skippedRows, cancellationToken))];
        }
        finally
        {
            foreach (var dictionary in dictionaries)
                dictionary.Dispose();
        }
    }

    /// <summary>Writes a small text file over one that is there.</summary>
    public static void WriteText(string text, params ReadOnlySpan<string> path) =>
        AtomicFile.Write(Path.Combine(path), stream => stream.Write(Encoding.UTF8.GetBytes(text)), overwrite: true);

    private static TrainResult Write(
        TrainingMember member,
        SparseDictionary dictionary,
        TrainingScores scores,
        string root,
        long skippedRows,
        CancellationToken cancellationToken
    )
    {
        var configuration = member.Configuration;
        var form = configuration.Form ?? DictionaryFolder.FormOf(dictionary);
        RemoveFormer(configuration.Output, root);
        var path = FreePath(dictionary, scores.L0 ?? member.Last?.L0 ?? 0, form, root, configuration.Output);
        var result = new TrainResult(member, scores, root, path, form, skippedRows);
        DictionaryWriter.Write(dictionary, result.Folder, form, new() { Overwrite = true }, cancellationToken);
        WriteText(OfRun(Path.GetFileName(configuration.Output), scores), result.Folder, TrainingScores.FileName);
        WriteText(ModelCard.Render(result), configuration.Output, TrainResult.CardFile);
        WriteText(TrainingPage.Render(result).ToString(), configuration.Output, TrainResult.PageFile);
        WriteText(ResultJson.Text(result), configuration.Output, TrainResult.FileName);
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
            var scores = Path.Combine(root, path, TrainingScores.FileName);
            return !Directory.Exists(Path.Combine(root, path))
                || (File.Exists(scores) && JsonFile.Read(scores).Text(RunKey) == Path.GetFileName(output));
        }
        return Enumerable.Range(0, 6).Select(digits => DictionaryFolder.Of(dictionary, l0, form, digits)).FirstOrDefault(IsFree)
            ?? throw new ArgumentProblemException("holds dictionaries of this site, width and L0 already; name another folder", root);
    }

    /// <summary>A run that went on may have another L0 and so another name; two results in one folder could not be told apart.</summary>
    private static void RemoveFormer(string output, string root)
    {
        var file = Path.Combine(output, TrainResult.FileName);
        if (!File.Exists(file) || JsonFile.Read(file).Text("dictionary") is not { Length: > 0 } former)
            return;
        var (inside, folder) = (Path.GetFullPath(root), Path.GetFullPath(Path.Combine(root, former)));
        if (
            folder.StartsWith(inside + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            && File.Exists(Path.Combine(folder, TrainingScores.FileName))
        )
            Directory.Delete(folder, recursive: true);
    }
}
