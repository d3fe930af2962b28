//go:build darwin && cgo

#import <Foundation/Foundation.h>
#import <UserNotifications/UserNotifications.h>

#include "_cgo_export.h"
#include "notify_darwin.h"


@interface PosternNotifyDelegate : NSObject <UNUserNotificationCenterDelegate>
@end

@implementation PosternNotifyDelegate

// Without this nothing is shown while the program counts as being in front.
- (void)userNotificationCenter:(UNUserNotificationCenter *)center
       willPresentNotification:(UNNotification *)notification
         withCompletionHandler:(void (^)(UNNotificationPresentationOptions))done {
    if (@available(macOS 11.0, *)) {
        done(UNNotificationPresentationOptionBanner | UNNotificationPresentationOptionList |
             UNNotificationPresentationOptionSound);
    } else {
        done(UNNotificationPresentationOptionAlert | UNNotificationPresentationOptionSound);
    }
}

- (void)userNotificationCenter:(UNUserNotificationCenter *)center
    didReceiveNotificationResponse:(UNNotificationResponse *)response
             withCompletionHandler:(void (^)(void))done {
    NSString *action = response.actionIdentifier;
    if ([action isEqualToString:UNNotificationDefaultActionIdentifier]) {
        action = @"default";
    }
    if (![action isEqualToString:UNNotificationDismissActionIdentifier]) {
        posternNotifyAction((char *)response.notification.request.identifier.UTF8String,
                            (char *)action.UTF8String);
    }
    done();
}

@end

static PosternNotifyDelegate *delegate; // the center holds it weakly

int postern_notify_start(void) {
    @autoreleasepool {
        // Outside a bundle the center throws.
        if (NSBundle.mainBundle.bundleIdentifier == nil) {
            return 0;
        }
        if (@available(macOS 10.14, *)) {
            UNUserNotificationCenter *center = UNUserNotificationCenter.currentNotificationCenter;
            if (delegate == nil) {
                delegate = [[PosternNotifyDelegate alloc] init];
            }
            center.delegate = delegate;
            [center requestAuthorizationWithOptions:UNAuthorizationOptionAlert | UNAuthorizationOptionSound
                                  completionHandler:^(BOOL granted, NSError *error) {
                                  }];
            return 1;
        }
        return 0;
    }
}

// text is nil-safe: a C string that is not UTF-8 becomes the empty string.
static NSString *text(const char *s) {
    NSString *t = [NSString stringWithUTF8String:s];
    return t == nil ? @"" : t;
}

void postern_notify_show(const char *key, const char *title, const char *body,
                         char **ids, char **labels, int actions, int urgent) {
    @autoreleasepool {
        UNUserNotificationCenter *center = UNUserNotificationCenter.currentNotificationCenter;
        UNMutableNotificationContent *content = [[UNMutableNotificationContent alloc] init];
        content.title = text(title);
        content.body = text(body);
        content.sound = UNNotificationSound.defaultSound;
        if (urgent) {
            if (@available(macOS 12.0, *)) {
                content.interruptionLevel = UNNotificationInterruptionLevelTimeSensitive;
            }
        }
        // Buttons belong to categories. One is made for each set of buttons.
        NSMutableArray<UNNotificationAction *> *buttons = [NSMutableArray array];
        NSMutableString *name = [NSMutableString string];
        for (int i = 0; i < actions; i++) {
            [buttons addObject:[UNNotificationAction actionWithIdentifier:text(ids[i])
                                                                    title:text(labels[i])
                                                                  options:UNNotificationActionOptionForeground]];
            [name appendFormat:@"%@=%@;", text(ids[i]), text(labels[i])];
        }
        content.categoryIdentifier = name;
        UNNotificationCategory *category =
            [UNNotificationCategory categoryWithIdentifier:name
                                                   actions:buttons
                                         intentIdentifiers:@[]
                                                   options:UNNotificationCategoryOptionNone];
        UNNotificationRequest *request = [UNNotificationRequest requestWithIdentifier:text(key)
                                                                              content:content
                                                                              trigger:nil];
        [center getNotificationCategoriesWithCompletionHandler:^(NSSet<UNNotificationCategory *> *known) {
            [center setNotificationCategories:[known setByAddingObject:category]];
            [center addNotificationRequest:request withCompletionHandler:nil];
        }];
    }
}

void postern_notify_withdraw(const char *key) {
    @autoreleasepool {
        NSArray<NSString *> *keys = @[ text(key) ];
        UNUserNotificationCenter *center = UNUserNotificationCenter.currentNotificationCenter;
        [center removePendingNotificationRequestsWithIdentifiers:keys];
        [center removeDeliveredNotificationsWithIdentifiers:keys];
    }
}
