using GemmaScope.Activations;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Text;
using GemmaScope.Training;

namespace GemmaScope.Workbench;

/// <summary>Trains a suite group by group, each on one reading of the data.</summary>
internal sealed class Suite(SweepJobOptions options, IReadOnlyList<SweepItem> items, GemmaModel? model, IProgress<JobReport>? progress)
{
    private readonly SweepConfiguration _configuration = options.Configuration;

    private DataSettings Data => _configuration.Base.Data;

    /// <summary>Trains what is not finished.</summary>
    public SweepResult Train(CancellationToken cancellationToken)
    {
        var width = Width();
        var groups = SweepPlan.Groups(_configuration, items, width);
        progress.Note(
            $"{items.Count} dictionaries in {groups.Count} groups that share a reading of the data "
                + $"(up to {groups.Max(group => group.Bytes) / (double)(1 << 20):#,0.0} MiB)"
        );
        TrainedFolder.WriteText(_configuration.ToYaml(), _configuration.Output, SweepResult.SuiteFile);
        foreach (var group in groups)
        {
            SweepItem[] missing = [.. group.Items.Where(item => options.Restart || !SweptDictionary.IsFinished(item))];
            // A checkpoint is of all that were trained together; without one only what is missing is trained.
            foreach (var part in Directory.Exists(FolderOf(group)) ? [group] : SweepPlan.Groups(_configuration, missing, width))
                if (missing.Length > 0)
                    Train(part, cancellationToken);
            WriteResults();
        }
        return WriteResults();
    }

    private void Train(SweepGroup group, CancellationToken cancellationToken)
    {
        var folder = FolderOf(group);
        progress.Note($"{group.Name}: {string.Join(", ", group.Items.Select(item => item.Name))}");
        var (sites, skipped) = (group.Items.SelectMany(item => item.Configuration.AllSites), new SkippedRows());
        using (var source = TrainingData.Open(Data, sites, model, skipped, cancellationToken))
        using (
            var run = WatchedRun.Open(
                [.. group.Items.Select(item => item.Configuration)],
                source,
                folder,
                options.Restart,
                model,
                cancellationToken
            )
        )
        {
            WatchedRun.ToEnd(run, folder, progress, cancellationToken);
            foreach (var member in run.Members.Where(member => member.Failure is not null))
                SweptDictionary.WriteFailure(member);
            TrainingMember[] trained = [.. run.Members.Where(member => member.Failure is null)];
            progress.NoteOn(skipped);
            if (trained.Length > 0)
                foreach (
                    var written in TrainedFolder.Write(
                        trained,
                        _configuration.Output,
                        source,
                        model,
                        skipped.Count,
                        progress,
                        cancellationToken
                    )
                )
                    if (written.MissedTarget is { } missed)
                        progress.Note($"{Path.GetFileName(written.Output)}: {missed}");
        }
        // All that it kept is in the results now.
        Directory.Delete(folder, recursive: true);
    }

    private SweepResult WriteResults()
    {
        var result = new SweepResult(_configuration.Output, [.. items.Where(SweptDictionary.IsFinished).Select(SweptDictionary.Read)]);
        if (result.Dictionaries.Count == 0)
            return result;
        LocalCatalogue.Write(result.Output, ModelName(), result.Dictionaries.Select(one => one.Path).OfType<string>());
        TrainedFolder.WriteText(ResultJson.Text(result), result.Output, SweepResult.FileName);
        TrainedFolder.WriteText(SuitePage.Render(result).ToString(), result.Output, SweepResult.PageFile);
        return result;
    }

    private string FolderOf(SweepGroup group) => Path.Combine(_configuration.Output, SweepPlan.RunsFolder, group.Name);

    private Func<Site, int> Width()
    {
        if (Data.Store is { } store)
            return ActivationStore.Open(store).Width;
        if (Data.Synthetic is { } synthetic)
        {
            using var known = SyntheticModelFile.Read(synthetic);
            var width = known.Config.Width;
            return _ => width;
        }
        return site => model!.Config.SiteWidth(site);
    }

    private string ModelName() =>
        Data.Model
        ?? (
            Data.Store is { } store ? ActivationStore.Open(store).Manifest.Contents.Model
            : Data.Synthetic is { } synthetic ? Path.GetFileNameWithoutExtension(synthetic)
            : "unknown"
        );
}
