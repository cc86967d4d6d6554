using System.Text;
using GemmaScope.Activations;
using GemmaScope.Cli.Output;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Training;

namespace GemmaScope.Cli.Training;

/// <summary>
/// Trains a suite: group by group, each on one reading of the data. What is finished is passed over when the command is given again, and a
/// group that was
/// interrupted goes on from its checkpoint.
/// </summary>
internal sealed class Suite(SweepConfiguration configuration, Session session)
{
    public SweepConfiguration Configuration { get; } = configuration;

    private DataSettings Data => Configuration.Base.Data;

    /// <summary>The dictionaries the suite stands for.</summary>
    public IReadOnlyList<SweepItem> Items() =>
        SweepPlan.Items(Configuration, Data.Store is { } store ? ActivationStore.Open(store).Sites : null);

    /// <summary>Trains what is not finished and writes the suite's tables, pages and catalogue.</summary>
    public IReadOnlyList<SuiteResult> Train(bool restart)
    {
        var items = Items();
        using var model = TrainingModel.Load(Configuration.Base, session);
        var width = Width(model);
        var groups = SweepPlan.Groups(Configuration, items, width);
        session.Terminal.Error.WriteLine(
            $"{items.Count} dictionaries in {groups.Count} groups that share a reading of the data (up to {Format.Bytes(groups.Max(group => group.Bytes))})"
        );
        WriteText("suite.yaml", Configuration.ToYaml());
        foreach (var group in groups)
        {
            SweepItem[] missing = [.. group.Items.Where(item => restart || !IsFinished(item))];
            // A checkpoint is of all that were trained together; without one only what is missing is trained.
            foreach (var part in Directory.Exists(FolderOf(group)) ? [group] : SweepPlan.Groups(Configuration, missing, width))
                if (missing.Length > 0)
                    Train(part, model, restart);
            WriteResults(items);
        }
        return WriteResults(items);
    }

    private void Train(SweepGroup group, GemmaModel? model, bool restart)
    {
        var folder = FolderOf(group);
        session.Terminal.Error.WriteLine($"{group.Name}: {string.Join(", ", group.Items.Select(item => item.Name))}");
        using (
            var source = TrainingData.Open(Data, group.Items.SelectMany(item => item.Configuration.AllSites), model, session.Cancellation)
        )
        using (var run = TrainingRun.Open([.. group.Items.Select(item => item.Configuration)], source, folder, restart))
        {
            TrainingDisplay.Run(run, session, folder);
            foreach (var member in run.Members.Where(member => member.Failure is not null))
                SuiteResult.WriteFailure(member);
            TrainingMember[] trained = [.. run.Members.Where(member => member.Failure is null)];
            if (trained.Length > 0)
                TrainingResult.Finish(trained, Configuration.Output, source, model, session);
        }
        // All that it kept is in the results now.
        Directory.Delete(folder, recursive: true);
    }

    private SuiteResult[] WriteResults(IReadOnlyList<SweepItem> items)
    {
        SuiteResult[] results = [.. items.Where(IsFinished).Select(SuiteResult.Read)];
        if (results.Length == 0)
            return results;
        LocalCatalogue.Write(
            Configuration.Output,
            ModelName(),
            results.Where(result => result.Failure is null).Select(result => result.Path)
        );
        WriteText("results.json", Json.Text(json => SuiteResults.Write(json, Configuration, results)));
        WriteText("results.html", SuitePage.Render(Configuration, results));
        return results;
    }

    private string FolderOf(SweepGroup group) => Path.Combine(Configuration.Output, SweepPlan.RunsFolder, group.Name);

    private static bool IsFinished(SweepItem item) => File.Exists(Path.Combine(item.Configuration.Output, TrainingResult.ResultFile));

    private Func<Site, int> Width(GemmaModel? model)
    {
        if (Data.Store is { } store)
            return ActivationStore.Open(store).Width;
        return site => model!.Config.SiteWidth(site.Kind);
    }

    private string ModelName() => Data.Model ?? (Data.Store is { } store ? ActivationStore.Open(store).Manifest.Contents.Model : "unknown");

    private void WriteText(string name, string text) =>
        AtomicFile.Write(Path.Combine(Configuration.Output, name), stream => stream.Write(Encoding.UTF8.GetBytes(text)), overwrite: true);
}
