namespace GemmaScope.Training;

/// <summary>How a run that cannot be taken up is cured, in the words of whoever began it.</summary>
internal static class RunSettingNames
{
    /// <summary>The setting that leaves a checkpoint aside.</summary>
    public static readonly Setting Restart = new(nameof(Restart));

    /// <summary>Leave the checkpoint aside.</summary>
    public static readonly Remedy BeginAnew = new($"begin anew with {Restart}");
}
