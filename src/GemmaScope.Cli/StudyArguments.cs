using System.CommandLine;
using GemmaScope.Workbench;

namespace GemmaScope.Cli;

/// <summary>The options that all studies have.</summary>
internal sealed class StudyArguments
{
    private readonly Option<string> _out = new("--out")
    {
        Description = "The run folder: parts, direction, result and page. A study that was broken off goes on there.",
        HelpName = "FOLDER",
        Required = true,
    };
    private readonly Option<bool> _restart = new("--restart") { Description = "Begin anew, whatever the folder holds of a study." };
    private readonly Option<bool> _texts = new("--show-texts")
    {
        Description = "Put prompts, and the unedited model's replies, into result and page.",
    };
    private readonly Option<int> _seed = CommonOptions.Number("--seed", "N", "Decides split, controls and intervals.", 0);
    private readonly Option<int> _resamples = CommonOptions.Number("--resamples", "N", "Draws of the bootstrap.", 1000);

    private readonly Option<double?> _maxMinutes = new("--max-minutes")
    {
        Description = "Stop after this time, between two parts; the same command goes on.",
        HelpName = "X",
    };

    private readonly Option<bool> _json = CommonOptions.Json();

    public StudyArguments(Command command)
    {
        foreach (var option in (Option[])[_out, _restart, _texts, _seed, _resamples, _maxMinutes, _json])
            command.Options.Add(option);
    }

    /// <summary>A study with what they choose.</summary>
    public T Read<T>(ParseResult arguments, T options)
        where T : StudyJobOptions =>
        (T)(
            options with
            {
                Out = arguments.GetValue(_out)!,
                Restart = arguments.GetValue(_restart),
                ShowTexts = arguments.GetValue(_texts),
                Seed = arguments.GetValue(_seed),
                Resamples = arguments.GetValue(_resamples),
                MaxTime = Time(arguments.GetValue(_maxMinutes)),
            }
        );

    /// <summary>Prints what a study found, as JSON or for people, and says where its page is.</summary>
    public int Print<T>(ParseResult arguments, Session session, T result, Action<Terminal, T> forPeople)
        where T : StudyResult
    {
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            forPeople(session.Terminal, result);
        session.Terminal.Error.WriteLine($"wrote {Path.Combine(arguments.GetValue(_out)!, StudyRunner.PageName)}");
        return Application.Success;
    }

    private TimeSpan? Time(double? minutes) =>
        minutes is not { } given ? null
        : given is > 0 and <= 1e6 ? TimeSpan.FromMinutes(given)
        : throw new ArgumentProblemException($"is {given}; give minutes above 0", _maxMinutes.Name);
}
